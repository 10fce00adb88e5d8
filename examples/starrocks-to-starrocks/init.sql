CREATE DATABASE shop_src;

CREATE TABLE shop_src.orders (
    id BIGINT NOT NULL,
    city STRING,
    amount DECIMAL(18,2),
    placed DATETIME
)
DUPLICATE KEY(id)
DISTRIBUTED BY HASH(id);

INSERT INTO shop_src.orders VALUES
    (99, 'not above 100', 1.00, '2026-11-20 08:00:00'),
    (101, 'Zürich', 12.50, '2026-11-20 08:00:00.000001'),
    (102, '東京', -0.05, NULL),
    (103, NULL, 12345678901234.99, '9999-12-31 23:59:59');

CREATE DATABASE archive;

CREATE TABLE archive.orders (
    id BIGINT NOT NULL,
    city STRING,
    cents BIGINT,
    placed DATETIME,
    source STRING
)
PRIMARY KEY(id)
DISTRIBUTED BY HASH(id);
