// The model's own copy of root mode's.
#include "../../Silicon/memory.c"
