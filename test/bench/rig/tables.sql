CREATE DATABASE bench;

CREATE TABLE bench.documents (
    id BIGINT NOT NULL,
    city STRING,
    name STRING,
    amount DECIMAL(12, 2),
    ts DATETIME,
    tag JSON,
    channel VARCHAR(16),
    ok BOOLEAN
) DUPLICATE KEY (id) DISTRIBUTED BY HASH (id);

CREATE TABLE bench.projected (
    id BIGINT NOT NULL,
    city STRING,
    name STRING,
    amount DECIMAL(12, 2),
    description STRING
) DUPLICATE KEY (id) DISTRIBUTED BY HASH (id);
