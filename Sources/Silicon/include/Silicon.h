// What Swift cannot express: single instructions, firmware calls, the world switch.
#pragma once
#include "instructions.h"
