CREATE DATABASE lab;

CREATE TABLE lab.samples (
    id BIGINT NOT NULL,
    origin STRING,
    measure DOUBLE,
    taken DATETIME
)
DUPLICATE KEY(id)
DISTRIBUTED BY HASH(id);
