/* What has no equivalent. */
CREATE CATALOG c WITH ('type' = 'generic_in_memory');
CREATE VIEW v AS SELECT 1;
CREATE TABLE src (id INT, up AS UPPER(name), name STRING) WITH ('connector' = 'upsert-kafka', 'topic' = 't', 'properties.bootstrap.servers' = 'b:9092',
  'key.format' = 'json', 'value.format' = 'avro', 'scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '1700000000000',
  'scan.bounded.mode' = 'specific-offsets', 'scan.bounded.specific-offsets' = 'partition:0,offset:10;partition:1,offset:20');
CREATE TABLE dst (id INT, name STRING) WITH ('connector' = 'starrocks', 'load-url' = 'fe:8030', 'databasename' = 'x', 'table-name' = 't', 'username' = 'u', 'password' = 'hunter2-of-u',
  'sink.semantic' = 'exactly-once', 'scan.max-retries' = '1', 'sink.ignore.update-before' = 'false', 'sink.max-retries' = 'x');
CREATE TABLE other (id INT) WITH ('connector' = 'print');
SET execution.runtime-mode = streaming;
EXECUTE STATEMENT SET BEGIN
INSERT INTO dst (id, name) SELECT id, CONCAT(name, ', ', up) FROM src WHERE id > 3;
INSERT INTO other SELECT id FROM src;
END;
