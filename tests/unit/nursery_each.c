/* The nursery, a real program: an `each` from its first item to its ends. */
#include "support/nursery_each.h"

START_TEST(function_performs_items)
{
	struct job_class_source c = each_function("item_print");
	struct rig_each each = each_range(3);

	each_open();
	each = each_range(3);
	each_performs(&c, &each, 0, "1=1/1\n2=2/1\n3=3/1\n", "");
	board_says(3, 3, 0, "3");
	stop();
}
END_TEST

START_TEST(filter_performs_items)
{
	struct job_class_source c = each_filter("while read x; do echo ok got $x; done");
	struct rig_each each;

	each_open();
	each = each_range(3);
	each_performs(&c, &each, 0, "got 1\ngot 2\ngot 3\n", "");
	board_says(3, 3, 0, "3");
	stop();
}
END_TEST

static Suite *nursery_each_suite(void)
{
	TCase *t;
	Suite *s = suite_with("nursery_each", &t);

	tcase_set_timeout(t, 30);
	tcase_add_test(t, function_performs_items);
	tcase_add_test(t, filter_performs_items);
	return s;
}

int main(void)
{
	return suite_run(nursery_each_suite());
}
