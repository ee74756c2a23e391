CREATE TABLE customers (
  id INTEGER PRIMARY KEY,
  name VARCHAR(80) NOT NULL,
  email VARCHAR(120) NOT NULL,
  joined_on DATE
);
CREATE TABLE products (
  id INTEGER PRIMARY KEY,
  title TEXT NOT NULL,
  price NUMERIC(10, 2),
  in_stock BOOLEAN
);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  product_id INTEGER NOT NULL REFERENCES products (id),
  quantity SMALLINT,
  ordered_at TIMESTAMP
);
CREATE VIEW customer_orders AS
SELECT customers.name, orders.quantity
FROM orders JOIN customers ON customers.id = orders.customer_id;
