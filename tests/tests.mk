# Tests. One Check program a file in tests/unit; system tests in Python against real programs.

UNIT_PARTS := client queue redis conf wire base
UNITS := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*.c))

# Deciders of droverd and of the nursery are linked as objects, without their mains.
UNIT_OBJECTS := $(filter-out %/main.o,$(call objects,supervisor))
$(B)/lib/libdeciders.a: $(UNIT_OBJECTS)
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^

$(B)/unit/%: tests/unit/%.c $(B)/lib/libdeciders.a $(foreach f,$(UNIT_PARTS),$(call library,$(f)))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(filter %.a,$^) \
	  $(CHECK_LIBS) $(REDIS_LIBS) $(YAML_LIBS) $(JSON_LIBS)
-include $(wildcard $(B)/unit/*.d)
