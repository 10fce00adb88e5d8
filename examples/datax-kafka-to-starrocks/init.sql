CREATE DATABASE bank;

CREATE TABLE bank.payments (
    id BIGINT NOT NULL,
    method VARCHAR(16),
    amount DECIMAL(10, 2),
    paid_at DATETIME
)
DUPLICATE KEY(id)
DISTRIBUTED BY HASH(id);

INSERT INTO bank.payments VALUES (1, 'stale', 1.00, '2020-01-01 00:00:00');
