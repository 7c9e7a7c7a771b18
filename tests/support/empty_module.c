/* A shared object that is no module. */
int empty_module_here(void);

int empty_module_here(void)
{
	return 1;
}
