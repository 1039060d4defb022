/*
 * Orders, commitment, lapse and boot of three destination hosts: docs/division.md, "The model".
 *
 * Coordinators die, or give up, wherever they wait; messages are lost, late, or answered in vain; hosts reboot; agents die in the
 * middle of a command; an order may fall due at any moment, also while a coordinator is at work. No time is modelled: what holds
 * here does not rest on how long anything takes. What becomes of an order is not written here: order-transitions.pml is made of
 * the agent's own table.
 *
 * LIVES    coordinators that may die, one after another, each a `run` or a `rollback`
 * REBOOTS  of hosts
 * MUTANT   1: starts before every host has committed; 2: a node starts under a provisional order
 */
#ifndef LIVES
#define LIVES 2
#endif
#ifndef REBOOTS
#define REBOOTS 1
#endif
#ifndef MUTANT
#define MUTANT 0
#endif
#define HOSTS 3

#include "order-transitions.pml"

/* What runs on a host, and the view that its file has. */
#define STOPPED 0
#define JOINT 1
#define OWN 2

/* Commands on their way to a host. */
#define NOTHING 0
#define DETACH 1
#define WALL 2
#define COMMIT 3
#define START 4
#define PUT_JOINT 5
#define REMOVE 6

#define UNANSWERED 0
#define DONE 1
#define REFUSED 2

/* On the hosts' disks. */
byte order[HOSTS];
byte file[HOSTS];
bool held[HOSTS];
/* In their kernels and processes. */
byte node[HOSTS];
bool wall[HOSTS];
/* Whether the process that a detachment is about to end still runs. */
bool ending[HOSTS];
/* How far the agent is in a command, and the lapse in its work. */
byte busy[HOSTS];
byte lapse[HOSTS];
bool boots[HOSTS];
/* The network. */
byte command[HOSTS];
byte reply[HOSTS];
/* The run's journal. */
bool startBegan, rollingBack, ended;

byte reboots = REBOOTS;
/* The last coordinator, with which nothing goes wrong. */
bool isLast;

#define walls(phase) (phase == PROVISIONAL || phase == KEPT)
#define givenUp(phase) (phase == LAPSING || phase == LAPSED)
#define each(P) (P(0) && P(1) && P(2))
#define some(P) (P(0) || P(1) || P(2))

/* What a unit's hold check, or the agent, lets start: what runs then is what the file says. */
inline startNode(h) {
    if
    :: walls(order[h]) -> wall[h] = true
    :: else
    fi;
    if
    :: node[h] == STOPPED -> node[h] = file[h]
    :: else
    fi
}

inline answer(h, what) { reply[h] = what; command[h] = NOTHING; busy[h] = 0 }

proctype Host(byte h) {
    bool refused;
    byte commits;
end:
    do
    /* A command is lost. */
    :: atomic { !isLast && command[h] != NOTHING && busy[h] == 0 -> command[h] = NOTHING }

    :: d_step { command[h] == DETACH && busy[h] == 0 && !boots[h] && lapse[h] == 0 ->
            transition(ORDERED, order[h], refused);
            if
            :: refused -> answer(h, REFUSED)
            :: else -> held[h] = true; ending[h] = (node[h] != STOPPED); busy[h] = 1
            fi }
    :: d_step { busy[h] == 1 -> node[h] = STOPPED; ending[h] = false; busy[h] = 2 }
    :: d_step { busy[h] == 2 -> wall[h] = true; answer(h, DONE) }

    /* Of a run that goes on, around a node that does not run: held until the first start. */
    :: d_step { command[h] == WALL && busy[h] == 0 && !boots[h] && lapse[h] == 0 ->
            transition(ORDERED_FOR_GOOD, order[h], refused);
            if
            :: refused -> answer(h, REFUSED)
            :: else -> held[h] = (held[h] || !startBegan); busy[h] = 2
            fi }

    /* Its own file comes back, then the order is kept: no lapse comes between them, a crash does. */
    :: d_step { command[h] == COMMIT && busy[h] == 0 && !boots[h] && lapse[h] == 0 ->
            commits = order[h];
            transition(COMMITTED, commits, refused);
            commits = 0;
            if
            :: refused -> answer(h, REFUSED)
            :: else -> file[h] = OWN; busy[h] = 5
            fi }
    :: d_step { busy[h] == 5 -> transition(COMMITTED, order[h], refused); answer(h, DONE) }

    :: d_step { command[h] == START && busy[h] == 0 && !boots[h] ->
            refused = false;
            if
            :: held[h] && !(MUTANT == 2 && order[h] == PROVISIONAL) -> transition(STARTED, order[h], refused)
            :: else
            fi;
            if
            :: refused -> answer(h, REFUSED)
            :: else -> held[h] = false; busy[h] = 3
            fi }
    :: d_step { busy[h] == 3 -> startNode(h); answer(h, DONE) }

    :: d_step { command[h] == PUT_JOINT && busy[h] == 0 && !boots[h] -> file[h] = JOINT; answer(h, DONE) }

    :: d_step { command[h] == REMOVE && busy[h] == 0 && !boots[h] -> wall[h] = false; busy[h] = 4 }
    :: d_step { busy[h] == 4 -> transition(RULES_REMOVED, order[h], refused); held[h] = false; answer(h, DONE) }

    /* The agent dies in a command; the next one forgets an end that was never carried out, and puts its wall up. */
    :: d_step { !isLast && busy[h] != 0 ->
            if
            :: ending[h] && !wall[h] -> order[h] = NONE; held[h] = false; ending[h] = false
            :: else
            fi;
            if
            :: walls(order[h]) -> wall[h] = true
            :: else
            fi;
            command[h] = NOTHING; busy[h] = 0 }

    /* No coordinator was heard in time. A command that is carried out is one. */
    :: d_step { order[h] == PROVISIONAL && busy[h] == 0 && !isLast -> transition(DUE, order[h], refused) }
    :: d_step { order[h] == LAPSING && lapse[h] == 0 && busy[h] == 0 -> lapse[h] = 1 }
    :: d_step { lapse[h] == 1 && busy[h] == 0 -> file[h] = JOINT; lapse[h] = 2 }
    :: d_step { lapse[h] == 2 && busy[h] == 0 ->
            if
            :: order[h] == LAPSING -> wall[h] = false; held[h] = false
            :: else
            fi;
            lapse[h] = 3 }
    /* Also after a coordinator has removed the order meanwhile. */
    :: d_step { lapse[h] == 3 && busy[h] == 0 && !boots[h] ->
            if
            :: held[h]
            :: else -> startNode(h)
            fi;
            lapse[h] = 4 }
    :: d_step { lapse[h] == 4 && busy[h] == 0 ->
            if
            :: order[h] == LAPSING -> transition(UNDONE, order[h], refused)
            :: else
            fi;
            lapse[h] = 0 }

    /* Nothing of a kernel outlives a reboot; what the disk says does. */
    :: d_step { !isLast && reboots > 0 && !boots[h] ->
            reboots--;
            node[h] = STOPPED; wall[h] = false; ending[h] = false;
            busy[h] = 0; lapse[h] = 0; command[h] = NOTHING; boots[h] = true }
    :: d_step { boots[h] ->
            if
            :: held[h] && !(MUTANT == 2 && order[h] == PROVISIONAL) -> wall[h] = walls(order[h])
            :: else -> startNode(h)
            fi;
            boots[h] = false }
#if MUTANT == 2
    /* By hand, which a hold check else refuses as long as the node is held. */
    :: d_step { held[h] && order[h] == PROVISIONAL && node[h] == STOPPED && busy[h] == 0 && !boots[h] -> startNode(h) }
#endif
    od
}

#define nodeIsOwn(h) (node[h] == OWN)
#define isSettled(h) (order[h] == KEPT || order[h] == NONE)
#define isApart(h) (node[h] != JOINT && isSettled(h))
#define isStill(h) (held[h] -> (node[h] == STOPPED || ending[h]) : true)

/* I1: once one node runs with the destination's own view, no host is or becomes one that goes back; I9: what is held does not run. */
#define HOLDS ((some(nodeIsOwn) -> each(isApart) : true) && each(isStill))

active proctype Monitor() {
end:
    atomic { !HOLDS -> assert(HOLDS) }
}

#define isFree(h) (order[h] == NONE && !wall[h])
#define isWholeOwn(h) (node[h] == OWN && isFree(h))
#define isWholeJoint(h) (node[h] == JOINT && isFree(h))
#define isQuiet(h) (order[h] != PROVISIONAL && order[h] != LAPSING && busy[h] == 0 && !boots[h])
/* No rule for ever: without an order, or once it has lapsed, none stands; what is kept stands. */
#define isRuled(h) (wall[h] == (order[h] == KEPT))
#define isKept(h) (order[h] == KEPT)
#define isJoint(h) (node[h] == JOINT)
/* By itself, but for a rollback that died. */
#define isWhole(h) (isKept(h) || node[h] != STOPPED || (rollingBack && order[h] == NONE))

inline judge() {
    assert(each(isQuiet));
    assert(each(isRuled));
    assert(each(isWhole));
    assert(some(isKept) || rollingBack || startBegan || each(isJoint))
}

#define isDone(h) (reply[h] == DONE)
#define isRefused(h) (reply[h] == REFUSED)
#define isGivenUp(h) (givenUp(seen[h]))

inline tell(what) {
    h = 0;
    do
    :: h < HOSTS -> atomic { command[h] == NOTHING; command[h] = what; reply[h] = UNANSWERED; h++ }
    :: else -> break
    od;
    h = 0
}

/* What it has seen decides nothing more: fewer states. */
inline forget() {
    d_step { seen[0] = 0; seen[1] = 0; seen[2] = 0; view[0] = 0; view[1] = 0; view[2] = 0; h = 0 }
}

/* A coordinator dies, or gives up, wherever it waits. What it has sent is still on its way. */
inline await() {
    if
    :: each(isDone)
    :: !isLast -> goto gone
    :: isLast && some(isRefused) -> goto gone
    fi
}

active proctype Coordinator() {
    byte h, lives = LIVES;
    byte seen[HOSTS], view[HOSTS];

    d_step {
        file[0] = JOINT; file[1] = JOINT; file[2] = JOINT;
        node[0] = JOINT; node[1] = JOINT; node[2] = JOINT
    }
    atomic { run Host(0); run Host(1); run Host(2) }

begin:
    /* Host by host: what an earlier one has sent counts for nothing any more. */
    h = 0;
    do
    :: h < HOSTS ->
        d_step { busy[h] == 0 && !boots[h] ->
            command[h] = NOTHING; reply[h] = UNANSWERED; seen[h] = order[h]; view[h] = node[h]; h++ }
    :: else -> break
    od;
    h = 0;
    if
    :: !rollingBack && !(isLast && !startBegan && some(isGivenUp)) -> goto forward
    :: !startBegan -> rollingBack = true; goto back
    fi;

forward:
    if
    :: !startBegan && some(isGivenUp) -> goto gone
    :: else
    fi;
    do
    :: h < HOSTS ->
        atomic { command[h] == NOTHING;
            if
            :: !startBegan -> command[h] = DETACH
            :: (startBegan || view[h] == STOPPED) -> command[h] = WALL
            fi;
            reply[h] = UNANSWERED; h++ }
    :: else -> break
    od;
    forget();
    await();
    if
    :: startBegan
    :: else ->
        tell(COMMIT);
#if MUTANT == 1
        if
        :: isDone(0) && isDone(1)
        :: !isLast -> goto gone
        fi;
#else
        await();
#endif
        startBegan = true
    fi;
    tell(START);
    await();
    if
    :: each(nodeIsOwn)
    :: else -> goto gone
    fi;
    tell(REMOVE);
    await();
    ended = true;
    goto gone;

back:
    forget();
    tell(PUT_JOINT);
    await();
    tell(REMOVE);
    await();
    tell(START);
    await();
    ended = true;

gone:
    atomic {
        forget();
        if
        :: !isLast && !ended && lives > 1 -> lives--; goto begin
        :: !isLast
        :: isLast -> goto over
        fi
    };
    /* Stays away, for as long as it likes: what happens by itself has happened. */
    atomic { timeout -> judge() };
    if
    :: ended
    :: !ended -> isLast = true; goto begin
    fi;
over:
    atomic { assert(ended && (each(isWholeOwn) || each(isWholeJoint))) }
}
