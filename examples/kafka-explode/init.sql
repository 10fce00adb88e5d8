CREATE DATABASE baskets;

CREATE TABLE baskets.items (
    basket BIGINT NOT NULL,
    customer STRING,
    sku VARCHAR(20),
    n INT,
    message BIGINT
)
DUPLICATE KEY(basket)
DISTRIBUTED BY HASH(basket);
