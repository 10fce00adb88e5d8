CREATE DATABASE shop;

CREATE TABLE shop.orders (
    id BIGINT NOT NULL,
    customer STRING,
    first_sku VARCHAR(20),
    amount DECIMAL(12, 2),
    source STRING
)
DUPLICATE KEY(id)
DISTRIBUTED BY HASH(id);
