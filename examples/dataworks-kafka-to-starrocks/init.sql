CREATE DATABASE clicks;

CREATE TABLE clicks.events (
    part INT,
    pos BIGINT,
    source STRING,
    event_id BIGINT,
    tag STRING
)
DUPLICATE KEY(part, pos)
DISTRIBUTED BY HASH(pos);
