"""Faults of a soak: what is done to a cluster under load, each until everything that it has ended or cut works again.

Each is a function of a Scene. Times are drawn from the scene's random numbers, so that a seed says all of it; they stay well
below --lane-timeout and below what a new core keeps relays for, up to which nothing may be lost: 10 s each.
"""
import itertools

LONGEST_AWAY = 6.0
LONGEST_STOP = 6.0
# After the start of a new core.
LONGEST_LATE = 6.0


class Scene:
    """A cluster, its load, and the dice."""

    def __init__(self, cluster, load, dice):
        self.cluster, self.load, self.dice = cluster, load, dice
        self.kills = 0

    def some_edge(self):
        return self.dice.randrange(len(self.cluster.edges))

    def two_edges(self):
        return self.dice.sample(range(len(self.cluster.edges)), 2)

    def wait(self, least, most):
        self.load.run(self.dice.uniform(least, most))

    def kill_core(self):
        self.kills += 1
        self.cluster.kill_core()

    def kill_edge(self, index, *, core_too=False):
        self.kills += 1
        self.load.edge_ends(index, core_too=core_too)
        self.cluster.kill_edge(index)

    def start_edge(self, index):
        self.cluster.start_edge(index)
        self.load.edge_is_back(index)


# ---- one at a time


def core_killed(scene):
    scene.kill_core()
    scene.wait(0, 1)
    scene.cluster.start_core()


def core_stopped(scene):
    scene.cluster.stop(scene.cluster.core)
    scene.wait(0.2, LONGEST_STOP)
    scene.cluster.go_on(scene.cluster.core)


def edge_killed(scene):
    edge = scene.some_edge()
    scene.kill_edge(edge)
    scene.wait(0, 1.5)
    scene.start_edge(edge)


def edge_stopped(scene):
    edge = scene.cluster.edges[scene.some_edge()]
    scene.cluster.stop(edge)
    scene.wait(0.2, LONGEST_STOP)
    scene.cluster.go_on(edge)


def link_cut(scene):
    link = scene.cluster.links[scene.some_edge()]
    for _ in range(scene.dice.randint(1, 4)):
        link.cut()
        link.restore()
        scene.wait(0, 0.2)


def link_away(scene):
    link = scene.cluster.links[scene.some_edge()]
    link.cut()
    scene.wait(0.2, LONGEST_AWAY)
    link.restore()


def link_silent(scene):
    """Relays sent meanwhile arrive later."""
    link = scene.cluster.links[scene.some_edge()]
    link.silence()
    scene.wait(0.2, LONGEST_STOP)
    link.resume()


def link_silent_and_cut(scene):
    """Relays sent meanwhile are lost."""
    link = scene.cluster.links[scene.some_edge()]
    link.silence()
    scene.wait(0.1, 3)
    link.cut()
    link.restore()


def link_slow(scene):
    link = scene.cluster.links[scene.some_edge()]
    if scene.dice.random() < 0.5:
        link.slow(delay=scene.dice.uniform(0.005, 0.1))
    else:
        link.slow(rate=scene.dice.randint(100_000, 400_000))
    scene.wait(0.5, 3)
    link.slow()


# ---- two at once


def core_and_edge_killed(scene):
    edge = scene.some_edge()
    scene.kill_edge(edge, core_too=True)
    scene.kill_core()
    scene.wait(0, 0.7)
    # Either may be the first to come back.
    if scene.dice.random() < 0.5:
        scene.cluster.start_core()
        scene.wait(0, LONGEST_LATE)
        scene.start_edge(edge)
    else:
        scene.start_edge(edge)
        scene.wait(0, 1)
        scene.cluster.start_core()


def core_killed_again_and_again(scene):
    for _ in range(scene.dice.randint(2, 4)):
        scene.kill_core()
        scene.wait(0, 0.5)
        scene.cluster.start_core()
        scene.wait(0, 0.8)


def _new_core_before(scene, link_returns):
    scene.wait(0, 1.5)
    scene.kill_core()
    scene.wait(0, 0.7)
    scene.cluster.start_core()
    scene.wait(0, LONGEST_LATE)
    link_returns()


def core_killed_while_a_link_is_away(scene):
    link = scene.cluster.links[scene.some_edge()]
    link.cut()
    _new_core_before(scene, link.restore)


def cores_killed_while_a_link_is_away(scene):
    """Each of them has kept only relays for its own clients."""
    link = scene.cluster.links[scene.some_edge()]
    link.cut()
    for _ in range(2):
        scene.kill_core()
        scene.wait(0, 0.5)
        scene.cluster.start_core()
        scene.wait(0, 3)
    link.restore()


def core_killed_while_two_links_are_away(scene):
    one, other = (scene.cluster.links[index] for index in scene.two_edges())
    one.cut()
    other.cut()
    core_killed(scene)
    scene.wait(0, LONGEST_LATE / 2)
    one.restore()
    scene.wait(0, LONGEST_LATE / 2)
    other.restore()


def core_killed_while_a_link_is_silent(scene):
    link = scene.cluster.links[scene.some_edge()]
    link.silence()
    _new_core_before(scene, link.resume)


def core_killed_while_a_link_is_slow(scene):
    link = scene.cluster.links[scene.some_edge()]
    link.slow(delay=scene.dice.uniform(0.02, 0.1))
    scene.wait(0.2, 1)
    core_killed(scene)
    scene.wait(0.5, 2)
    link.slow()


def core_killed_while_an_edge_is_stopped(scene):
    edge = scene.cluster.edges[scene.some_edge()]
    scene.cluster.stop(edge)
    scene.wait(0, 1)
    core_killed(scene)
    scene.wait(0, LONGEST_LATE)
    scene.cluster.go_on(edge)


def two_links_away(scene):
    one, other = (scene.cluster.links[index] for index in scene.two_edges())
    one.cut()
    scene.wait(0, 1)
    other.cut()
    scene.wait(0.2, 3)
    one.restore()
    scene.wait(0, 1)
    other.restore()


def edge_killed_while_a_link_is_away(scene):
    edge, other = scene.two_edges()
    scene.cluster.links[other].cut()
    scene.wait(0, 1)
    scene.kill_edge(edge)
    scene.wait(0, 1.5)
    scene.start_edge(edge)
    scene.wait(0, 1)
    scene.cluster.links[other].restore()


ONE = [core_killed, core_stopped, edge_killed, edge_stopped, link_cut, link_away, link_silent, link_silent_and_cut, link_slow]
TWO = [core_and_edge_killed, core_killed_again_and_again, core_killed_while_a_link_is_away, cores_killed_while_a_link_is_away,
       core_killed_while_two_links_are_away, core_killed_while_a_link_is_silent, core_killed_while_a_link_is_slow,
       core_killed_while_an_edge_is_stopped, two_links_away, edge_killed_while_a_link_is_away]


def endless(dice):
    """Rounds of all of them, each in an order of its own: none is left out for long."""
    while True:
        round_of_all = [*ONE, *TWO]
        dice.shuffle(round_of_all)
        yield from round_of_all


def names():
    return [fault.__name__ for fault in itertools.chain(ONE, TWO)]
