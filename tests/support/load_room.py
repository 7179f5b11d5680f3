"""Room: a topic of a load, and the clients that share it."""
import itertools

_topics = itertools.count(1)


class Room:
    def __init__(self, *members):
        """members: (index of the edge, dialect). At least two are not JSON clients."""
        self.topic = f"sequence-{next(_topics)}"
        self.members = [Member(self, edge, dialect) for edge, dialect in members]
        self.lives = []


class Member:
    def __init__(self, room, edge, dialect):
        self.room, self.edge, self.dialect = room, edge, dialect
        self.life = None


def rooms_over(edges, copies=1, *, json=True):
    """Rooms for that many edges: two clients for each pair of edges, in alternating dialects, and a room for all edges, with
    JSON clients unless they are turned off."""
    dialects = itertools.cycle(["native", "v2", "native", "v2", "v2", "native"])
    rooms = []
    for _ in range(copies):
        for one, other in itertools.combinations_with_replacement(range(edges), 2):
            rooms.append(Room((one, next(dialects)), (other, next(dialects))))
        everywhere = [(edge, next(dialects)) for edge in range(edges)]
        rooms.append(Room(*everywhere, *([(0, "json"), (edges - 1, "json")] if json else [])))
    return rooms
