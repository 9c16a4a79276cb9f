/* tchar.h, for programs that spell its name this way. */
#include "tchar.h"
