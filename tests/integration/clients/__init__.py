"""Imitations of the published cairn client libraries' signaling backends, byte for byte on the wire.

Each has publish(topic, …) and query(topic) with the library's own results, close(), and `said`: an event that is set
whenever a message has been handed to the kernel.
"""
