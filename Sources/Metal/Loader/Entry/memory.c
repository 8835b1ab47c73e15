// The loader's own copy of root mode's.
#include "../../Silicon/memory.c"
