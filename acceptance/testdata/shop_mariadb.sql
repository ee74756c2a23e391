CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE DATABASE stats;
USE shop;
CREATE TABLE customers (
  id int AUTO_INCREMENT PRIMARY KEY,
  name varchar(80) NOT NULL COMMENT 'As it stands on the parcel',
  email varchar(120) NOT NULL UNIQUE,
  level enum('new', 'regular', 'großzügig') NOT NULL DEFAULT 'new',
  balance decimal(12,2) UNSIGNED,
  preferences json,
  photo mediumblob,
  joined_at datetime(3)
) COMMENT = 'People who bought at least once';
CREATE TABLE orders (
  id bigint UNSIGNED PRIMARY KEY,
  customer_id int NOT NULL,
  paid tinyint(1),
  weight double,
  ordered_on date NOT NULL,
  year_of_birth year,
  FOREIGN KEY (customer_id) REFERENCES customers (id)
);
CREATE TABLE `odd.table` (`id` int PRIMARY KEY, `a "b" column` text, `naïve` char(4));
CREATE TABLE returns (order_id bigint UNSIGNED, reason text);
CREATE VIEW customer_orders AS
  SELECT c.id AS customer, c.name AS name, count(o.id) AS orders
  FROM customers c JOIN orders o ON o.customer_id = c.id GROUP BY c.id, c.name;
CREATE TABLE stats.daily_orders (day date, orders int);
INSERT INTO customers (name, email, level, balance) SELECT concat('Customer ', seq), concat('c', seq, '@example.com'), 'new', seq / 4 FROM seq_1_to_40;
INSERT INTO orders (id, customer_id, paid, ordered_on) SELECT seq, 1 + seq MOD 40, seq MOD 2, date '2026-01-01' + INTERVAL seq DAY FROM seq_1_to_90;
CREATE PROCEDURE forget_returns() COMMENT 'Once a month' DELETE FROM shop.returns;
CREATE FUNCTION order_count() RETURNS int READS SQL DATA RETURN (SELECT count(*) FROM shop.orders);
-- MySQL, whose connector reads this log, has bytes where MariaDB has text.
CREATE DATABASE logs;
CREATE VIEW logs.queries AS
  SELECT event_time, command_type, cast(argument AS binary) AS argument FROM mysql.general_log;
CREATE USER om@'%' IDENTIFIED BY 'reads-the-shop';
GRANT SELECT, SHOW VIEW ON *.* TO om@'%';
GRANT INSERT ON stats.* TO om@'%';
