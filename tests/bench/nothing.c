/* A program that does nothing, linked statically: the cheapest command there is. */
int main(void)
{
	return 0;
}
