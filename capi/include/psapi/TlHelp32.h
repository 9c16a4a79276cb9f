/* tlhelp32.h, for programs that spell its name this way. */
#include "tlhelp32.h"
