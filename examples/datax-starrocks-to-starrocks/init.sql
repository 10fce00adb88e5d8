CREATE DATABASE staff_src;

CREATE TABLE staff_src.people_0 (id BIGINT NOT NULL, name STRING, born DATE) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id);

CREATE TABLE staff_src.people_1 (id BIGINT NOT NULL, name STRING, born DATE) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id);

INSERT INTO staff_src.people_0 VALUES (1, 'below the condition', '1815-12-10'), (2, 'ada', '1815-12-10'), (3, 'grace', '1906-12-09');

INSERT INTO staff_src.people_1 VALUES (4, 'barbara', '1939-11-07'), (5, NULL, NULL);

CREATE DATABASE staff;

CREATE TABLE staff.people (id BIGINT NOT NULL, name STRING, born STRING) PRIMARY KEY(id) DISTRIBUTED BY HASH(id);
