CREATE DATABASE example_db;

CREATE TABLE example_db.test_tbl (
    id INT,
    city STRING
);
