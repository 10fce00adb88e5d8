CREATE DATABASE bench;

CREATE TABLE bench.orders (
    line INT NOT NULL,
    id BIGINT,
    name VARCHAR(64),
    price DECIMAL(12, 2),
    made DATETIME,
    ratio DOUBLE
) DUPLICATE KEY (line) DISTRIBUTED BY HASH (line);

CREATE TABLE bench.million LIKE bench.orders;
