// Nothing to call: linking the target is enough. See mutex.c.
#ifndef CMUTEXANNOTATIONS_H
#define CMUTEXANNOTATIONS_H
#endif
