select id as order_id, customer_id, ordered_on from {{ source('sales', 'orders') }}
