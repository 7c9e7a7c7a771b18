# Tests. One Check program a file in tests/unit; system tests in Python against real programs.

UNIT_PARTS := client queue redis message conf wire base
UNITS := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*.c))

# Deciders of droverd and of the nursery are linked as objects, without their mains.
UNIT_OBJECTS := $(filter-out %/main.o,$(call objects,supervisor))
$(B)/lib/libdeciders.a: $(UNIT_OBJECTS)
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^

$(B)/lib/libitems.a: $(filter-out %/main.o,$(call objects,items))
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^

$(B)/unit/%: tests/unit/%.c $(B)/lib/libdeciders.a $(B)/lib/libitems.a $(foreach f,$(UNIT_PARTS),$(call library,$(f)))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< \
	  $(filter %/libnursery.a,$^) $(filter-out %/libnursery.a,$(filter %.a,$^)) \
	  $(CHECK_LIBS) $(REDIS_LIBS) $(YAML_LIBS) $(JSON_LIBS) $(ZLIB_LIBS)
-include $(wildcard $(B)/unit/*.d)

# What is decided in a child is linked as objects, too.
$(filter $(B)/unit/collection%,$(UNITS)): $(B)/lib/libnursery.a

# -- modules in C for the tests and the demo -----------------------------------------------------
TEST_MODULES := $(patsubst tests/support/%_module.c,$(B)/tests/%_module.so,\
  $(wildcard tests/support/*_module.c))
$(B)/tests/%.so: tests/support/%.c include/drover/job.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -fPIE,$(CFLAGS)) $(MODFLAGS) -o $@ $< $(JSON_LIBS)
$(B)/demo/module.so: contrib/demo/module.c include/drover/job.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -fPIE,$(CFLAGS)) $(MODFLAGS) -o $@ $< $(JSON_LIBS)

EXAMPLES := $(patsubst contrib/examples/c/%.c,$(B)/examples/%.so,$(wildcard contrib/examples/c/*.c))
$(B)/examples/%.so: contrib/examples/c/%.c include/drover/job.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -fPIE,$(CFLAGS)) $(MODFLAGS) -o $@ $< $(JSON_LIBS)

# -- what the bench measures with ----------------------------------------------------------------
$(B)/bench/bench_module.so: tests/bench/bench_module.c include/drover/job.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -fPIE,$(CFLAGS)) $(MODFLAGS) -o $@ $< $(JSON_LIBS)
$(B)/bench/nothing: tests/bench/nothing.c
	@mkdir -p $(@D)
	$(CC) -O2 -static -o $@ $<
$(B)/bench/filter: tests/bench/filter.c
	@mkdir -p $(@D)
	$(CC) -O2 $(WARN) -static -o $@ $<
$(B)/bench/each: tests/bench/each.c $(B)/lib/libdeciders.a \
  $(foreach f,$(UNIT_PARTS),$(call library,$(f))) | $(B)/drover-nursery-module $(TEST_MODULES)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(CFLAGS) $(LDFLAGS) -o $@ $< $(filter %.a,$^) $(CHECK_LIBS) \
	  $(REDIS_LIBS) $(YAML_LIBS) $(JSON_LIBS)
$(B)/bench/script_bytes: tests/bench/script_bytes.c $(call library,queue) $(call library,base)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(JSON_LIBS)

# -- what is killed: the fault driver's job, and a build with crash points -------------------------
$(B)/torture/job: tests/torture/job.c src/cli/torture/torture_job.c src/cli/torture/torture_job.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -O2 $(WARN) -static -o $@ tests/torture/job.c src/cli/torture/torture_job.c
$(B)/torture/filter: tests/torture/filter.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -O2 $(WARN) -static -o $@ $<
.PHONY: crash torture
crash:
	$(MAKE) SANITIZE= CRASH=1 build-crash/droverd build-crash/drover build-crash/drover-nursery \
	  build-crash/drover-nursery-module build-crash/drover-items

# -- what is run ---------------------------------------------------------------------------------
.PHONY: check units examples
units: $(UNITS) $(TEST_MODULES) $(EXAMPLES) $(B)/torture/job $(B)/torture/filter
examples: all $(EXAMPLES)
check: all units crash
	BUILD=$(B) tests/support/run.py
lint:
	tests/lint/run
.PHONY: model
model:
	tests/model/run
torture: all units crash
	tests/torture/points.py
	BUILD=$(B) tests/torture/driver.py --jobs 10000 --kills 200
BENCH_PARTS := $(B)/bench/bench_module.so $(B)/bench/nothing $(B)/bench/filter \
  $(B)/bench/script_bytes $(B)/bench/each
bench: all $(BENCH_PARTS)
	BUILD=$(B) tests/bench/run $(BENCH)
demo: all $(B)/demo/module.so
	BUILD=$(B) contrib/demo/run

# -- fuzzing: make fuzz builds with clang into build-fuzz, tests/fuzz/run runs each for a while --
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SAN := address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -fPIE
$(B)/lib/libnursery.a: $(filter-out %/main.o %/module_main.o,$(call objects,nursery))
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^
FUZZ_LIBS := $(B)/lib/libdeciders.a $(B)/lib/libnursery.a $(B)/lib/libitems.a \
  $(foreach f,$(UNIT_PARTS),$(call library,$(f)))
$(B)/fuzz/%: tests/fuzz/%.c $(FUZZ_LIBS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(CFLAGS) -Wno-missing-prototypes $(LDFLAGS) -fsanitize=fuzzer \
	  -o $@ $< $(FUZZ_LIBS) $(REDIS_LIBS) $(YAML_LIBS) $(JSON_LIBS) $(ZLIB_LIBS) -ldl
.PHONY: fuzz fuzzers
fuzzers: $(FUZZERS)
fuzz:
	$(MAKE) B=build-fuzz CC=clang STATIC= LINKSAN="-fsanitize=$(FUZZ_SAN)" \
	  HARDEN="-fsanitize=fuzzer-no-link,$(FUZZ_SAN)" fuzzers

$(B)/unit/nursery_each_marks: $(B)/lib/libnursery.a

# The tests of the nursery start it.
$(filter $(B)/unit/nursery%,$(UNITS)): \
  $(B)/drover-nursery $(B)/drover-nursery-module $(TEST_MODULES)
# So does the test of streams with what serves them.
$(B)/unit/stream: $(B)/drover-items
