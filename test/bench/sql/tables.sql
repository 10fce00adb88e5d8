CREATE DATABASE bench;

CREATE TABLE bench.orders (
    id BIGINT NOT NULL,
    line INT,
    price DECIMAL(12, 2),
    name VARCHAR(64),
    made DATETIME,
    ratio DOUBLE
) DUPLICATE KEY (id) DISTRIBUTED BY HASH (id);
