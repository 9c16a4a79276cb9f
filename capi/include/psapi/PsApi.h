/* psapi.h, for programs that spell its name this way. */
#include "psapi.h"
