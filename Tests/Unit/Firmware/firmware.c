#include "firmware.h"
