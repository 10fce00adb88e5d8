CREATE TABLE `score_board` USING starrocks
OPTIONS(
  "starrocks.fe.http.url"="127.0.0.1:8030",
  "starrocks.fe.jdbc.url"="jdbc:mysql://127.0.0.1:9030",
  "starrocks.table.identifier"="test.score_board",
  "starrocks.user"="root",
  "starrocks.password"=""
);
