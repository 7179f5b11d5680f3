"""What a soak does to a fleet under load, each from its beginning until all that it has killed or stopped is there again.

Each is a function of a FleetScene and returns the longest that a relay may then take, in seconds. One thing fails at a time: a
fleet promises nothing when a core and the NATS server of another fail together, but must come back.
"""
import math
import signal

# A process that dies is noticed at once, one that hangs after 2 s.
AFTER_A_KILL = 1.0
AFTER_A_HANG = 2.5
LONGEST_HANG = 4.0


class FleetScene:
    """A fleet, its load, and the dice."""

    def __init__(self, fleet, load, dice, *, is_all=False, pace=1.0):
        """pace: of the times that are drawn."""
        self.fleet, self.load, self.dice, self.is_all, self._pace = fleet, load, dice, is_all, pace

    def wait(self, least, most):
        self.load.run(self._pace * self.dice.uniform(least, most))

    def some_core(self):
        """One that has lanes: else nothing is tried."""
        return self.dice.choice(self.fleet.busy_cores())

    def some_server(self):
        return self.dice.choice(self.fleet.nats.servers)

    def kill_core(self, index):
        if self.is_all:
            self.load.edge_ends(index, core_too=True)
        self.fleet.cores[index].kill()

    def start_core(self, index):
        self.fleet.start_core(index)
        if self.is_all:
            self.load.edge_is_back(index)


def core_killed(scene):
    core = scene.some_core()
    scene.kill_core(core)
    scene.wait(0, 2)
    scene.start_core(core)
    return AFTER_A_KILL


def core_hangs(scene):
    core = scene.fleet.cores[scene.some_core()]
    core.send_signal(signal.SIGSTOP)
    scene.wait(0.2, LONGEST_HANG)
    core.send_signal(signal.SIGCONT)
    # A process that is edge and core has its own clients, who hang with it.
    return math.inf if scene.is_all else AFTER_A_HANG


def nats_server_killed(scene):
    server = scene.some_server()
    server.kill()
    scene.wait(0, 2)
    server.start()
    return AFTER_A_KILL


def nats_server_hangs(scene):
    server = scene.some_server()
    server.hang()
    scene.wait(0.2, LONGEST_HANG)
    server.go_on()
    return AFTER_A_HANG


def nats_server_leaves(scene):
    """Lame duck: its clients are asked to go."""
    server = scene.some_server()
    server.lame_duck()
    scene.wait(1, 3)
    server.kill()
    server.start()
    return AFTER_A_KILL


ALL = [core_killed, nats_server_killed, core_hangs, nats_server_hangs, nats_server_leaves]


def by_name(name):
    return next((fault for fault in ALL if fault.__name__ == name), None)


def endless(dice, faults):
    """Rounds of all of them, each in an order of its own: none is left out for long."""
    while True:
        round_of_all = [*faults]
        dice.shuffle(round_of_all)
        yield from round_of_all
