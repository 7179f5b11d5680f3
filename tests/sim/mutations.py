#!/usr/bin/env python3
"""Switches off each rule of links and relays, and asserts that the simulation notices within 1,000 seeds, or a unit test does.

A mutation is a file, the exact text of a rule in it, and what takes its place. A copy of the file is changed, compiled as the
build compiles the original, and linked into a simulation of its own in front of the libraries: no source has a switch for it.

Without a name: all, which takes a few minutes. CTest runs a few of them (--some), others with each commit.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIRST, SEEDS = 101, 1000
SIMULATION = "sim_test"
ROUTER = ["core/lanes.cc", "core/relays.cc", "core/router.cc", "core/router_turns.cc"]

# name: (file, [(text, replacement), ...], files to compile if it is a header)
MUTATIONS = {
    "a target takes what it has seen":
        ("edge/seen_relays.h", [("if (seq <= *last_) return false;", "")], ["edge/lane_deliveries.cc"]),
    "a lane does not say its roster":
        ("edge/known_rosters.cc", [("*hello.mutable_roster() = complete_;", "")], None),
    "a restarted core holds nothing":
        ("core/recovery.h", [("return hold_.holding() && (lane.channel || hold_.restarted());",
                              "return !lane.channel && hold_.restarted();")], ["core/router.cc"]),
    "the hold ends before lanes have finished":
        ("core/return_hold.cc", [("if (!awaited_.empty()) return false;", "")], None),
    "held relays are released in the reverse order":
        ("core/return_hold.cc", [("std::move(held_.front());\n  held_.pop_front();",
                                  "std::move(held_.back());\n  held_.pop_back();")], None),
    "what is newer does not wait for what was held":
        ("core/router_turns.cc", [(" || recovery_.has_older()) return BatchState", ") return BatchState")], None),
    "what is held of a lane stays held when it is given up":
        ("core/lanes.cc", [("tombstones_.Set(lane.id, lane.secret);\n  recovery_.hold().Forget(lane.id);\n",
                            "tombstones_.Set(lane.id, lane.secret);\n")], None),
    "a late lane does not catch up":
        ("core/recovery.cc", [("if (lane.late) catching_up_.push_back(&lane);", "lane.late = false;\n  late_.Finish(lane.id);")], None),
    "a lane that stays late is not told":
        ("core/recovery.cc", [("lane->late = mesh_ && mesh_->KeepsFor(id);\n    TellMissed(id);",
                                   "lane->late = mesh_ && mesh_->KeepsFor(id);")], None),
    "a lane that a core in between has passed over is not told":
        ("core/recovery.cc", [("for (const uint64_t id : passed_over_.Take()) TellMissed(id);",
                                   "passed_over_.Take();")], None),
    "a relay is settled by its first target":
        ("core/relay_ledger.h", [("if (--relay->targets > 0) return;", "relay->targets = 0;")], ROUTER),
    "a settled relay settles those before it":
        ("core/relay_ledger.h", [("    if (--relay->targets > 0) return;\n    AddSettled(seq);\n",
                                  "    if (--relay->targets > 0) return;\n"
                                  "    for (Open& one : open_) {\n"
                                  "      if (one.seq > seq) break;\n"
                                  "      if (one.targets > 0 || one.seq == seq) AddSettled(one.seq);\n"
                                  "      one.targets = 0;\n"
                                  "    }\n")], ROUTER),
    "open relays are not resent to the next core":
        ("edge/lane_session.cc", [("for (LaneEvent& event : open_.TakeAll()) take(event);", "open_.TakeAll();")], None),
    "what the core had not acknowledged is not resent":
        ("edge/lane_session.cc",
         [("for (LaneEvent& event : *message.mutable_events()) take(event);", "message.Clear();")], None),
    "a receipt that came is asked for again":
        ("edge/lane_deliveries.cc", [("open_.ReceiptGiven(notice.seq());", "")], None),
    "a lane that was given up resends nothing":
        ("edge/lane_session.cc",
         [("for (LaneEvent& event : open_.TakeAll()) take(event);",
           "for (LaneEvent& event : open_.TakeAll()) {\n"
           "    if (session.kind != CoreSession::Kind::kGivenUp) take(event);\n  }")], None),
    "clients of a lane that was given up or late are not told":
        ("edge/lane_session.cc",
         [("if (peers_left || session.kind == CoreSession::Kind::kLate) SayMissed();", "")], None),
    "a link resumes one message too late":
        ("proto/link/link.h", [("    next_ = 0;\n    told_received_ = received_;",
                                "    next_ = sealed_.empty() ? 0 : 1;\n    told_received_ = received_;")],
         ["edge/lane_link.cc"]),
    "what was written on a stream that broke is not written again":
        ("proto/link/link.h", [("    next_ = 0;\n    told_received_ = received_;", "    told_received_ = received_;")],
         ["edge/lane_link.cc"]),
    "a lane that comes before any relay was routed does not begin the hold again":
        ("core/recovery.cc", [("hold_.Reopen();", ";")], None),
    "a record is not told to the next core":
        ("edge/lane_records.cc", [("if (link_->can_break())\n"
                                "    records_.Keep(topic, record, clock_.Elapsed(), next_seq_, member->facts.proof);", "")], None),
    "a subscription that waits is folded into what was told last":
        ("edge/outbox.cc", [("changes_.try_emplace({peer, std::string(topic)}, told).second",
                             "changes_.insert_or_assign({peer, std::string(topic)}, told).second")], None),
    "a snapshot ends before its members":
        ("edge/lane_session.cc", [("    if (!untold_.empty()) {", "    if (snapshot_told_ && !untold_.empty()) {")], None),
    "an edge ends while relays are open":
        ("edge/lane_session.cc", [("outbox_.empty() && open_.empty() && link_->cost() == 0", "outbox_.empty()")], None),
    "deadlines of the core use the wall clock":
        ("core/router.cc", [("turn.now = clock.Elapsed();", "turn.now = clock.WallTime() - absl::UnixEpoch();"),
                            ("turn_.BeginAt(clock_.Elapsed(), ", "turn_.BeginAt(clock_.WallTime() - absl::UnixEpoch(), ")], None),
    "clients are read while too much is kept for the core":
        ("edge/lane_session.cc", [("untaken > limits_.max_backlog_bytes / factor ||", "")], None),
    "a lane that does not acknowledge is never full":
        ("core/router.cc", [("lane.channel->full(limits_.max_lane_queued_bytes)",
                             "lane.channel->full(~size_t{0})")], None),
    "a lane is told that relays are settled before it is told who was there":
        ("core/router.cc", [("    if (lane.roster_version != recovery_.roster_version()) recovery_.AddRoster(lane);\n", "")], None),
    "a roster does not tell the links of lanes":
        ("core/recovery.cc", [("roster->add_links(link);", "roster->add_links(0);")], None),
    "of two cores that have not heard of each other neither has passed anybody over":
        ("core/passed_over.cc", [("return !HasHeardOf(told, stamp.core_id()) || HasHeardOf(stamp, told.core_id());",
                                  "return HasHeardOf(stamp, told.core_id());")], None),
    "Hello says that one message more was received":
        ("edge/lane_link.cc", [("set_received(link_->received());", "set_received(link_->received() + 1);")], None),
    "Welcome says that one message more was received":
        ("core/lanes.cc", [("welcome->set_received(lane->channel->received());",
                                   "welcome->set_received(lane->channel->received() + 1);")], None),
    "Hello does not say which core the lane has known":
        ("edge/lane_link.cc", [("opening.mutable_hello()->set_core_id(core_id_);", "")], None),
    "a lane goes on with a link of another number":
        ("core/lanes.cc", [("opened.hello.link() == lane->channel->number()", "true")], None),
    "Welcome does not say that the lane was given up":
        ("core/recovery.cc", [("outcome = Welcome::OUTCOME_GIVEN_UP;", ";")], None),
    "Welcome does not say that the lane is late":
        ("core/recovery.cc", [("outcome = Welcome::OUTCOME_LATE;", ";")], None),
    "a roster does not say who is not yet aware of having missed relays":
        ("core/recovery.cc", [("other->unaware ? kUnawareLink : other->channel->number()", "other->channel->number()")], None),
    "Hello says that the lane was told a later roster than it was":
        ("edge/known_rosters.cc", [("*hello.mutable_told() = told_;",
                                    "*hello.mutable_told() = told_;\n  hello.mutable_told()->set_version(told_.version() + 9);")], None),
    # ---- where the adapters are called
    "a lane of which much is held is read on":
        ("core/recovery.cc", [("hold_.cost(lane.id) > limits_.max_held_bytes_per_lane) {", "false) {")], None),
    "lanes that were not read are not read after the hold":
        ("core/recovery.cc", [("if (lane->channel && lane->channel->attached()) lane->channel->stream()->OnHandled({});", "")],
         None),
    "a lane writes although a write is in progress":
        ("edge/lane_link.cc", [("link_->HasNext() && stream_->Writable()", "link_->HasNext()")], None),
    "what waits of a message when its stream breaks is forgotten":
        ("core/router.cc", [("  if (!FinishBatches(*lane)) return;\n",
                             "  lane->batches.clear();\n  batches_.Forget(*lane);\n")], None),
    "a lane that does not answer is never given up":
        ("core/router.cc", [("if (!stopping_) lanes_.GiveUpOverdue(was_stopped);", "")], None),
}


# Of one file each, and noticed by seeds that were kept: some are in each run of the tests.
IN_TESTS = [
    "Hello does not say which core the lane has known",
    "Welcome says that one message more was received",
    "Hello says that one message more was received",
    "Welcome does not say that the lane was given up",
]


# What happens too rarely in the simulation: the unit test that must fail.
UNIT_TESTS = {
    "a roster does not say who is not yet aware of having missed relays":
        "RecoveryTest.ALaneIsInRostersWithoutItsLinkUntilItHasAcknowledgedThatItMissedRelays",
}
UNIT_PROGRAM = "core_test"


def compilation(build, source):
    """The file that is compiled for a source, and the command: the source itself, or a file that includes several (a unity build)."""
    include = f'#include "{ROOT / source}"'
    for entry in json.loads((build / "compile_commands.json").read_text()):
        unit = pathlib.Path(entry["file"])
        if unit == ROOT / source or (unit.parent.name == "Unity" and include in unit.read_text()):
            return unit, shlex.split(entry["command"])
    raise SystemExit(f"{source} is not compiled by {build}")


def mutated(name):
    """The text of its source."""
    source, replacements, _ = MUTATIONS[name]
    text = (ROOT / source).read_text()
    for old, new in replacements:
        if text.count(old) != 1:
            raise SystemExit(f"mutation '{name}': {source} has {text.count(old)} times, not once: {old}")
        text = text.replace(old, new)
    return text


def mutate(build, name, link):
    """Builds the mutated program; its path."""
    source, _, users = MUTATIONS[name]
    text = mutated(name)
    place = build / "mutations" / re.sub(r"\W+", "-", name)
    (place / source).parent.mkdir(parents=True, exist_ok=True)
    (place / source).write_text(text)
    objects = []
    for number, (unit, command) in enumerate(dict(compilation(build, one) for one in users or [source]).items()):
        output = place / f"{number}.o"
        command[command.index("-o") + 1] = str(output)
        if users is None:
            command[command.index("-c") + 1] = str(place / source)
            if unit != ROOT / source:
                copy = place / unit.name
                copy.write_text(unit.read_text().replace(str(ROOT / source), str(place / source)))
                command[command.index("-c") + 1] = str(copy)
        # Behind the compiler, and behind a cache in front of it. -O1 compiles faster than the build's own; what the
        # mutation makes unused is no error.
        at = next(i for i, word in enumerate(command) if word.startswith("-"))
        subprocess.run(command[:at] + [f"-I{place}"] + command[at:] + ["-O1", "-g0", "-w"], cwd=build, check=True)
        objects.append(str(output))
    at = link.index("-o")
    subprocess.run(link[:at] + ["-o", str(place / "mutated")] + objects + link[at + 2:], cwd=build, check=True)
    return place / "mutated"


def link_command(build, program):
    commands = subprocess.run(["ninja", "-t", "commands", program], cwd=build, check=True, capture_output=True, text=True)
    return shlex.split(commands.stdout.strip().splitlines()[-1].removeprefix(": && ").removesuffix(" && :"))


def simulate(program, seeds):
    return subprocess.run([program, "--first", str(FIRST), "--seeds", str(seeds), "--lines", "1"],
                          capture_output=True, text=True)


def check(build, name, links):
    test = UNIT_TESTS.get(name)
    program = mutate(build, name, links[UNIT_PROGRAM if test else SIMULATION])
    run = subprocess.run([program, f"--gtest_filter={test}"], capture_output=True, text=True) if test else simulate(program, SEEDS)
    verdict = [line for line in run.stdout.splitlines() if line.startswith("[  FAILED  ]" if test else "seed ")]
    os.remove(program)
    return name, run.returncode == 1 and bool(verdict), verdict[-1] if verdict else run.stderr.strip()


def some(names, count):
    """So many of them: others with each commit, so that all have had their turn after a few."""
    commits = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    first = int(commits or 0) * count
    return [names[(first + i) % len(names)] for i in range(count)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, metavar="BUILD_DIR")
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*MUTATIONS, []], help="one of: " + "; ".join(MUTATIONS))
    parser.add_argument("--some", type=int, metavar="COUNT", help="so many of those that a few seeds catch")
    given = parser.parse_args()
    build, names = given.build.resolve(), given.names or list(MUTATIONS)
    for name in MUTATIONS:
        mutated(name)  # each rule is still where its mutation looks for it
    if given.some:
        names = some(IN_TESTS, given.some)
    elif (whole := simulate(build / "bin" / SIMULATION, SEEDS)).returncode != 0:
        raise SystemExit("without a mutation the simulation fails as well:\n" + whole.stdout)
    links = {program: link_command(build, program) for program in (SIMULATION, UNIT_PROGRAM)}
    missed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for name, caught, how in pool.map(lambda one: check(build, one, links), names):
            missed += not caught
            print(f"{'caught' if caught else 'MISSED'}: {name}: {how}", flush=True)
    print(f"{len(names) - missed} of {len(names)} mutations caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
