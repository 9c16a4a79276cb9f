/* windows.h, for programs that spell its name this way. */
#include "windows.h"
