CREATE DATABASE plant;

CREATE TABLE plant.sensors (
    sensor_id INT NOT NULL,
    place STRING,
    celsius DOUBLE,
    seen DATETIME
)
PRIMARY KEY(sensor_id)
DISTRIBUTED BY HASH(sensor_id);
