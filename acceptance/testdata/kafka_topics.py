"""Make the topics of the shop at the broker given, or delete those named after it."""
import sys

from confluent_kafka.admin import AdminClient, NewTopic

admin = AdminClient({"bootstrap.servers": sys.argv[1]})
if sys.argv[2:]:
    done = admin.delete_topics(sys.argv[2:], operation_timeout=20)
else:
    done = admin.create_topics(
        [
            NewTopic("shop.orders", 3, 1, config={"retention.ms": "86400000", "cleanup.policy": "compact,delete"}),
            NewTopic("customers", 1, 1, config={"max.message.bytes": "2000000"}),
            NewTopic("clicks", 2, 1),
            NewTopic("plain", 1, 1),
        ],
        operation_timeout=20,
    )
for future in done.values():
    future.result(30)
