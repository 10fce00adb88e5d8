-- From Kafka to StarRocks.
SET 'execution.checkpointing.interval' = '10 s';
SET 'parallelism.default' = '4';
SET 'pipeline.name' = 'orders to starrocks';

CREATE TABLE orders (
  `id` BIGINT,
  customer ROW<name STRING, city STRING>,
  amount DECIMAL(10, 2),
  seen TIMESTAMP(3) METADATA FROM 'timestamp',
  part INT METADATA FROM 'partition' VIRTUAL,
  WATERMARK FOR seen AS seen - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'orders;returns',
  'properties.bootstrap.servers' = 'broker1:9092,broker2:9092',
  'properties.group.id' = 'flink-orders',
  'properties.max.poll.records' = '2000',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);

CREATE TABLE IF NOT EXISTS sink (
  id BIGINT,
  city STRING,
  amount DECIMAL(10, 2),
  region STRING,
  part INT,
  PRIMARY KEY (id) NOT ENFORCED
) WITH (
  'connector' = 'starrocks',
  'jdbc-url' = 'jdbc:mysql://fe1:9030,fe2:9030',
  'load-url' = 'fe1:8030;fe2:8030',
  'database-name' = 'shop',
  'table-name' = 'orders',
  'username' = 'root',
  'password' = '',
  'sink.buffer-flush.interval-ms' = '15000',
  'sink.buffer-flush.max-bytes' = '67108864',
  'sink.properties.column_separator' = '\x01',
  'sink.properties.row_delimiter' = '\x02',
  'sink.max-retries' = '5'
);

INSERT INTO sink SELECT id, customer.city AS city, amount, 'eu', part FROM orders;
