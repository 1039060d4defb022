/* Made of OrderTransitions (Sources/ControlProtocol/Orders) by OrderModelTests, which compares it; not edited by hand. */

#define NONE 0
#define PROVISIONAL 1
#define KEPT 2
#define LAPSING 3
#define LAPSED 4

#define ORDERED 0
#define ORDERED_FOR_GOOD 1
#define COMMITTED 2
#define DUE 3
#define UNDONE 4
#define STARTED 5
#define RULES_REMOVED 6

/* What becomes of an order by an event; `refused` says whether the host refuses instead, and leaves it as it is. */
inline transition(event, phase, refused) {
    if
    :: event == ORDERED && phase == NONE -> phase = PROVISIONAL; refused = false
    :: event == ORDERED && phase == PROVISIONAL -> phase = PROVISIONAL; refused = false
    :: event == ORDERED && phase == KEPT -> phase = KEPT; refused = false
    :: event == ORDERED && phase == LAPSING -> refused = true
    :: event == ORDERED && phase == LAPSED -> refused = true
    :: event == ORDERED_FOR_GOOD && phase == NONE -> phase = KEPT; refused = false
    :: event == ORDERED_FOR_GOOD && phase == PROVISIONAL -> phase = PROVISIONAL; refused = false
    :: event == ORDERED_FOR_GOOD && phase == KEPT -> phase = KEPT; refused = false
    :: event == ORDERED_FOR_GOOD && phase == LAPSING -> refused = true
    :: event == ORDERED_FOR_GOOD && phase == LAPSED -> refused = true
    :: event == COMMITTED && phase == NONE -> refused = true
    :: event == COMMITTED && phase == PROVISIONAL -> phase = KEPT; refused = false
    :: event == COMMITTED && phase == KEPT -> phase = KEPT; refused = false
    :: event == COMMITTED && phase == LAPSING -> refused = true
    :: event == COMMITTED && phase == LAPSED -> refused = true
    :: event == DUE && phase == NONE -> phase = NONE; refused = false
    :: event == DUE && phase == PROVISIONAL -> phase = LAPSING; refused = false
    :: event == DUE && phase == KEPT -> phase = KEPT; refused = false
    :: event == DUE && phase == LAPSING -> phase = LAPSING; refused = false
    :: event == DUE && phase == LAPSED -> phase = LAPSED; refused = false
    :: event == UNDONE && phase == NONE -> phase = NONE; refused = false
    :: event == UNDONE && phase == PROVISIONAL -> phase = PROVISIONAL; refused = false
    :: event == UNDONE && phase == KEPT -> phase = KEPT; refused = false
    :: event == UNDONE && phase == LAPSING -> phase = LAPSED; refused = false
    :: event == UNDONE && phase == LAPSED -> phase = LAPSED; refused = false
    :: event == STARTED && phase == NONE -> phase = NONE; refused = false
    :: event == STARTED && phase == PROVISIONAL -> refused = true
    :: event == STARTED && phase == KEPT -> phase = KEPT; refused = false
    :: event == STARTED && phase == LAPSING -> refused = true
    :: event == STARTED && phase == LAPSED -> phase = LAPSED; refused = false
    :: event == RULES_REMOVED && phase == NONE -> phase = NONE; refused = false
    :: event == RULES_REMOVED && phase == PROVISIONAL -> phase = NONE; refused = false
    :: event == RULES_REMOVED && phase == KEPT -> phase = NONE; refused = false
    :: event == RULES_REMOVED && phase == LAPSING -> phase = NONE; refused = false
    :: event == RULES_REMOVED && phase == LAPSED -> phase = NONE; refused = false
    fi
}
