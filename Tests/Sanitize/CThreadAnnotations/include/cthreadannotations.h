// Nothing to call: linking the target is enough. See mutex.c and counts.c.
#ifndef CTHREADANNOTATIONS_H
#define CTHREADANNOTATIONS_H

// The address of a symbol in the libraries behind the program; ends the program when there is none.
void *cthreadannotations_find(const char *name);

#endif
