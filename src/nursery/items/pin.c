/* nursery/items/pin: see pin.h. In the child. */
#include "nursery/items/pin.h"

#include "base/must.h"
#include "nursery/items/collection.h"
#include "nursery/items/number.h"

#include <string.h>

#define BLOCK 4096

_Static_assert(BYTES_HISTORY >= 2 * BLOCK, "the window of a hash stands in the buffer");

/* -- the hash ------------------------------------------------------------------------------------ */

static int64_t window_of(int64_t offset)
{
	int64_t block = offset / BLOCK * BLOCK;

	return block > BLOCK ? block - BLOCK : 0;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

/* Eight bytes at a time, and what is left over with its length: only that is hashed again. */
static uint64_t hash_to(struct pin *p, const struct bytes *b)
{
	int64_t offset = bytes_offset(b), from = window_of(offset);
	uint64_t word = 0, hash;

	must(from >= b->base);
	if (p->from != from || p->to > offset || p->to < from) {
		p->from = p->to = from;
		p->hash = 0;
	}
	hash = p->hash;
	for (; p->to + 8 <= offset; p->to += 8) {
		memcpy(&word, b->data + (p->to - b->base), 8);
		hash = mix(hash, word);
	}
	p->hash = hash;
	word = 0;
	memcpy(&word, b->data + (p->to - b->base), (size_t)(offset - p->to));
	return mix(mix(hash, word), (uint64_t)(offset - from));
}

/* -- the cursor ---------------------------------------------------------------------------------- */

static bool read_identity(struct span rest, struct pin_cursor *c)
{
	uint64_t *const numbers[] = {
		&c->identity.device, &c->identity.inode, &c->identity.size, &c->identity.mtime};
	struct span word;

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (!number_cut(&rest, '.', &word) || !number_read_hex(word, numbers[i]))
			return false;
	return number_read_hex(rest, &c->hash);
}

/* So far that nothing counted on from there is out of bounds. */
static bool read_place(struct span *rest, int64_t *out)
{
	struct span word;

	return number_cut(rest, ' ', &word) && number_read(word, out) && *out >= 0 &&
	       *out <= INT64_MAX / 2;
}

/* An item has one byte at least. */
bool pin_read_cursor(struct span text, struct pin_cursor *out)
{
	return read_place(&text, &out->offset) && read_place(&text, &out->number) &&
	       out->number <= out->offset && read_identity(text, out);
}

void pin_init(struct pin *p, const struct bytes *b)
{
	const struct bytes_identity *i = &b->identity;
	const uint64_t numbers[] = {i->device, i->inode, i->size, i->mtime};
	struct text all = {0};

	*p = (struct pin){0};
	for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
		number_add_hex(&all, numbers[n]);
		text_add_char(&all, '.');
	}
	must(all.len <= sizeof p->identity);
	memcpy(p->identity, all.data, all.len);
	p->identity_len = all.len;
	text_fini(&all);
}

void pin_add_cursor(struct pin *p, const struct bytes *b, int64_t number, struct text *out)
{
	text_add_int(out, bytes_offset(b));
	text_add_char(out, ' ');
	text_add_int(out, number);
	text_add_char(out, ' ');
	text_add(out, p->identity, p->identity_len);
	number_add_hex(out, hash_to(p, b));
}

/* -- going on behind it -------------------------------------------------------------------------- */

static void add_change(struct text *what, const char *words)
{
	text_add_str(what, what->len ? ", " : "");
	text_add_str(what, words);
}

static void compare_identity(
	struct text *what, const struct bytes_identity *was, const struct bytes_identity *is)
{
	if (was->device != is->device || was->inode != is->inode)
		add_change(what, "it is another file");
	if (was->size != is->size) {
		add_change(what, "its size was ");
		text_addf(what, "%llu and is %llu", (unsigned long long)was->size,
			(unsigned long long)is->size);
	}
	if (was->mtime != is->mtime)
		add_change(what, "it was written to since");
}

static int is_shorter(const struct bytes *b, const struct pin_cursor *c, struct err *err)
{
	return err_set(err, COLLECTION_CHANGED "%s: it ends before byte %lld, where to go on",
		b->name, (long long)c->offset);
}

/* An upload of unknown size has 0 for it, and tells only when it is read. */
static bool ends_before(const struct bytes *b, int64_t offset)
{
	bool known = b->from == BYTES_FILE || b->identity.size > 0;

	return known && (uint64_t)offset > b->identity.size;
}

int pin_resume(struct bytes *b, const struct pin_cursor *c, bool change, struct err *err)
{
	struct text what = {0};
	struct pin fresh = {0};
	int done = 0;

	if (ends_before(b, c->offset))
		return is_shorter(b, c, err);
	if (bytes_seek(b, c->offset, window_of(c->offset), err) != 0)
		return b->ended ? is_shorter(b, c, err) : -1;
	if (change)
		return 0;
	compare_identity(&what, &c->identity, &b->identity);
	if (hash_to(&fresh, b) != c->hash)
		add_change(&what, "what stands before the place to go on is not what stood there");
	if (what.len)
		done = err_set(err, COLLECTION_CHANGED "%s: %s", b->name, what.data);
	text_fini(&what);
	return done;
}
