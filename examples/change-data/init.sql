CREATE DATABASE shop;

CREATE TABLE shop.customers (
    id INT NOT NULL,
    first_name STRING,
    born DATE,
    balance DECIMAL(12, 2),
    changed DATETIME
)
PRIMARY KEY(id)
DISTRIBUTED BY HASH(id);
