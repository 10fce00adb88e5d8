CREATE DATABASE shop;

CREATE TABLE shop.orders (
    id BIGINT NOT NULL,
    customer STRING,
    amount DECIMAL(10,2),
    note STRING
)
PRIMARY KEY(id)
DISTRIBUTED BY HASH(id);
