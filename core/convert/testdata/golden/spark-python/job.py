# A structured stream.
df = spark.readStream.format("kafka") \
    .option("kafka.bootstrap.servers", "broker:9092") \
    .option("subscribe", "scores") \
    .option("startingOffsets", "earliest") \
    .load()
query = df.writeStream.format("starrocks") \
    .option("starrocks.fe.http.url", "fe:8030") \
    .option("starrocks.fe.jdbc.url", "jdbc:mysql://fe:9030") \
    .option("starrocks.table.identifier", "test.score_board") \
    .option("starrocks.user", "root") \
    .option("starrocks.password", "hunter2-of-root") \
    .option("starrocks.columns", "id,name,score") \
    .option("checkpointLocation", "/tmp/checkpoint") \
    .trigger(processingTime='10 seconds') \
    .start()
