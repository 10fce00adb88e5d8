CREATE DATABASE clinic;

CREATE TABLE clinic.visits (
    id BIGINT NOT NULL,
    phone VARCHAR(32),
    email VARCHAR(64),
    branch VARCHAR(8),
    opened DATE,
    total DECIMAL(10, 2)
)
DUPLICATE KEY(id)
DISTRIBUTED BY HASH(id);
