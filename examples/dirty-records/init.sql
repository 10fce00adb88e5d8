CREATE DATABASE billing;
CREATE TABLE billing.payments (id BIGINT NOT NULL, amount DECIMAL(10,2)) PRIMARY KEY (id) DISTRIBUTED BY HASH (id);
CREATE TABLE billing.dirty_records (
  `time` DATETIME NOT NULL,
  `job` VARCHAR(512) NOT NULL,
  `run` VARCHAR(64),
  `plugin` VARCHAR(256),
  `place` VARCHAR(65533),
  `topic` VARCHAR(1024),
  `partition` INT,
  `offset` BIGINT,
  `timestamp` DATETIME,
  `reason` VARCHAR(1048576),
  `column` VARCHAR(65533),
  `record` VARCHAR(1048576),
  `recordBase64` VARCHAR(1048576),
  `key` VARCHAR(1048576),
  `keyBase64` VARCHAR(1048576),
  `headers` VARCHAR(1048576)
) DUPLICATE KEY (`time`, `job`) DISTRIBUTED BY HASH (`job`);
