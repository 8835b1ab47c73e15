// The firmware's structures as root mode declares them, for the test of their layout.
#pragma once
#include "../../../../Sources/Metal/Silicon/include/uefi.h"
