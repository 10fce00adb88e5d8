CREATE TABLE sink (id INT, name STRING, score INT, PRIMARY KEY (id) NOT ENFORCED) WITH (
  'connector' = 'starrocks', 'jdbc-url' = 'jdbc:mysql://fe:9030', 'load-url' = 'fe:8030',
  'database-name' = 'test', 'table-name' = 'score_board', 'username' = 'root', 'password' = '',
  'sink.semantic' = 'at-least-once', 'sink.version' = 'V2', 'sink.label-prefix' = 'flink', 'sink.buffer-flush.max-rows' = '64000',
  'sink.properties.format' = 'json', 'sink.properties.strip_outer_array' = 'true', 'sink.properties.partial_update' = 'false', 'sink.parallelism' = '2',
  'sink.ignore.update-before' = 'true', 'sink.socket.timeout-ms' = '-1');
