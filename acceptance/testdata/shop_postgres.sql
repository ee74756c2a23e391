-- A small shop: two schemas, keys, views, routines, comments, awkward names.
CREATE EXTENSION pg_stat_statements;
GRANT pg_read_all_stats TO om;
GRANT CREATE ON DATABASE shop TO om;

SET ROLE om;
CREATE SCHEMA sales;
CREATE SCHEMA analytics;
COMMENT ON SCHEMA sales IS 'What the shop sells, and to whom';

CREATE TABLE sales.customers (
  id integer PRIMARY KEY,
  name varchar(80) NOT NULL,
  email varchar(120) NOT NULL UNIQUE,
  phone text,
  balance numeric(12, 2),
  preferences jsonb,
  labels text[],
  joined_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sales.customers IS 'People who bought at least once';
COMMENT ON COLUMN sales.customers.email IS 'Where the receipt goes';

CREATE TABLE sales.products (
  id bigint PRIMARY KEY,
  title text NOT NULL,
  weight double precision,
  picture bytea,
  in_stock boolean
);

CREATE TABLE sales.orders (
  id bigint PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES sales.customers (id),
  ordered_on date NOT NULL,
  shipping_id uuid
);

CREATE TABLE sales.order_items (
  order_id bigint NOT NULL REFERENCES sales.orders (id),
  line smallint NOT NULL,
  product_id bigint NOT NULL REFERENCES sales.products (id),
  quantity integer,
  PRIMARY KEY (order_id, line)
);

CREATE TABLE sales."odd.table" (
  id integer PRIMARY KEY,
  "width ""inches""" real,
  "Größe" char(4)
);
CREATE TABLE sales.returns (id integer PRIMARY KEY, order_id bigint);

CREATE VIEW sales.order_totals AS
SELECT o.id AS order_id, c.name AS customer, sum(i.quantity) AS pieces
FROM sales.orders o
JOIN sales.customers c ON c.id = o.customer_id
JOIN sales.order_items i ON i.order_id = o.id
GROUP BY o.id, c.name;

CREATE MATERIALIZED VIEW analytics.top_customers AS
SELECT c.id, c.name FROM sales.customers c WHERE c.balance > 50;

CREATE TABLE analytics.daily_orders (day date PRIMARY KEY, orders bigint);

CREATE FUNCTION sales.order_count(customer integer) RETURNS bigint LANGUAGE sql AS
$$ SELECT count(*) FROM sales.orders WHERE customer_id = customer $$;
CREATE PROCEDURE sales.forget_returns() LANGUAGE sql AS
$$ DELETE FROM sales.returns $$;

INSERT INTO sales.customers (id, name, email, phone, balance)
SELECT n, 'customer ' || n, 'c' || n || '@example.com', CASE WHEN n % 5 < 2 THEN NULL ELSE '555-' || n END, n
FROM generate_series(1, 100) n;
INSERT INTO sales.products SELECT n, 'product ' || n, n / 2.0, NULL, n % 2 = 0 FROM generate_series(1, 20) n;
INSERT INTO sales.orders SELECT n, 1 + n % 100, date '2026-01-01' + n % 30, NULL FROM generate_series(1, 300) n;
INSERT INTO sales.order_items SELECT n, 1, 1 + n % 20, n % 7 FROM generate_series(1, 300) n;
REFRESH MATERIALIZED VIEW analytics.top_customers;
ANALYZE sales.customers, sales.products, sales.orders, sales.order_items;
