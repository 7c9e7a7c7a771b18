# drover: build, check, install. `make help` lists the targets.
#   make                 droverd, drover and the nurseries, in build/
#   make SANITIZE=1 ...  the same with address and undefined-behaviour sanitizers, in build-san/
#   make CRASH=1 ...     with points at which a process can be made to kill itself, in build-crash/
#   make check           unit, golden and system tests, against a redis-server of their own

PREFIX     ?= /usr/local
SBINDIR    ?= $(PREFIX)/sbin
BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
LIBEXECDIR ?= $(PREFIX)/lib/drover
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc

VERSION := 0.1.0
CC      ?= cc
CC      := $(if $(filter cc,$(CC)),gcc,$(CC))
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
           -Wpointer-arith -Wcast-qual -Wvla
HARDEN  := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
OPT     ?= $(if $(SANITIZE)$(CRASH),-O1,-O2) -g

ifdef SANITIZE
B       := build-san
HARDEN  := -fPIE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
LINKSAN := -fsanitize=address,undefined
STATIC  :=
else
B       := build
HARDEN  += -D_FORTIFY_SOURCE=2
STATIC  := -static-pie
endif
ifdef CRASH
B       := build-crash
CPPFLAGS += -DDROVER_CRASH_POINTS
endif

CPPFLAGS += -D_GNU_SOURCE -Isrc -Iinclude -I$(B)/gen -DDROVER_VERSION='"$(VERSION)"' \
            -DDROVER_LIBEXECDIR='"$(LIBEXECDIR)"'
CFLAGS   += -std=gnu17 $(OPT) $(WARN) $(HARDEN)
LDFLAGS  += -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LINKSAN)
MODFLAGS := -shared -fPIC

PKG      := hiredis libevent_core libevent_extra libevent_openssl openssl
REDIS_LIBS := $(shell pkg-config --libs hiredis libevent_core libevent_extra libevent_openssl openssl)
YAML_LIBS  := $(shell pkg-config --libs yaml-0.1)
JSON_LIBS  := $(shell pkg-config --libs jansson)
ZLIB_LIBS  := $(shell pkg-config --libs zlib)
CHECK_LIBS  = $(shell pkg-config --libs check)

FOLDERS := base conf wire message redis queue client
objects  = $(patsubst src/%.c,$(B)/obj/%.o,$(wildcard src/$(1)/*.c src/$(1)/*/*.c))
library  = $(B)/lib/lib$(1).a

PROGRAMS := $(B)/droverd $(B)/drover $(B)/drover-nursery $(B)/drover-nursery-module \
            $(B)/drover-items
ARCHIVES := $(B)/libdrover.a $(B)/libdrover-nursery.a

all: $(PROGRAMS) $(ARCHIVES)
.PHONY: all FORCE
.SECONDARY:
.DELETE_ON_ERROR:

# -- the scripts, as C ---------------------------------------------------------------------------
LUA := $(sort $(wildcard src/queue/lua/*.lua))
LUA_SHARED := $(wildcard src/queue/lua/shared/*.lua)
$(B)/gen/queue/scripts.h: $(LUA) src/queue/lua/embed.sh
	@mkdir -p $(@D)
	src/queue/lua/embed.sh h $(LUA) > $@
$(B)/gen/queue/scripts.c: $(LUA) $(LUA_SHARED) src/queue/lua/embed.sh
	@mkdir -p $(@D)
	src/queue/lua/embed.sh c $(LUA) > $@
$(B)/obj/queue/scripts.o: $(B)/gen/queue/scripts.c $(B)/gen/queue/scripts.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# -- objects and one library a folder ------------------------------------------------------------
$(B)/obj/%.o: src/%.c | $(B)/gen/queue/scripts.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# Objects that hold a path of the installation are made anew for another one.
$(B)/gen/libexecdir: FORCE
	@mkdir -p $(@D)
	@echo '$(LIBEXECDIR)' | cmp -s - $@ || echo '$(LIBEXECDIR)' > $@
$(B)/obj/supervisor/process/spawn.o $(B)/obj/cli/programs.o: $(B)/gen/libexecdir
FORCE:

define folder_library
$(call library,$(1)): $(call objects,$(1)) $(if $(filter queue,$(1)),$(B)/obj/queue/scripts.o)
	@mkdir -p $$(@D)
	rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_library,$(f))))

# -- programs ------------------------------------------------------------------------------------
SUPERVISOR_PARTS := queue redis message conf wire base
$(B)/droverd: $(call objects,supervisor) $(foreach f,$(SUPERVISOR_PARTS),$(call library,$(f)))
	$(CC) $(LDFLAGS) -o $@ $^ $(REDIS_LIBS) $(YAML_LIBS) $(JSON_LIBS)

CLI_PARTS := client queue redis message conf wire base
$(B)/drover: $(call objects,cli) $(foreach f,$(CLI_PARTS),$(call library,$(f)))
	$(CC) $(LDFLAGS) -o $@ $^ $(REDIS_LIBS) $(YAML_LIBS) $(JSON_LIBS) $(ZLIB_LIBS)

ITEMS_PARTS := queue redis wire base
$(B)/drover-items: $(call objects,items) $(foreach f,$(ITEMS_PARTS),$(call library,$(f)))
	$(CC) $(LDFLAGS) -o $@ $^ $(REDIS_LIBS) $(JSON_LIBS) $(ZLIB_LIBS)

# The static nursery forks faster: it has fewer mappings. The other one can load modules.
NURSERY_STATIC := $(filter-out %/module.o %/module_main.o,$(call objects,nursery))
NURSERY_MODULE := $(filter-out %/main.o,$(call objects,nursery))
$(B)/drover-nursery: $(NURSERY_STATIC) $(call library,wire) $(call library,base)
	$(CC) $(if $(STATIC),$(STATIC) -Wl$(comma)-z$(comma)relro$(comma)-z$(comma)now,$(LDFLAGS)) -o $@ $^
$(B)/drover-nursery-module: $(NURSERY_MODULE) $(call library,wire) $(call library,base)
	$(CC) $(LDFLAGS) -rdynamic -o $@ $^ $(JSON_LIBS) -ldl
comma := ,

# -- libraries for others ------------------------------------------------------------------------
# libdrover.a: enqueue and look from a C program (drover/client.h).
# libdrover-nursery.a: a nursery of one's own with modules linked in instead of loaded.
parts = $(foreach f,$(1),$(call objects,$(f)))
$(B)/libdrover.a: $(call parts,client queue redis base) $(B)/obj/queue/scripts.o
	rm -f $@ && ar rcs $@ $^
$(B)/libdrover-nursery.a: $(NURSERY_MODULE) $(call parts,wire base)
	rm -f $@ && ar rcs $@ $^

include tests/tests.mk

.PHONY: install clean format help demo bench lint
install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR) $(DESTDIR)$(LIBEXECDIR) \
	  $(DESTDIR)$(INCLUDEDIR)/drover $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 \
	  $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(SYSCONFDIR)/drover
	install -m 755 $(B)/droverd $(DESTDIR)$(SBINDIR)/
	install -m 755 $(B)/drover $(DESTDIR)$(BINDIR)/
	install -m 755 $(B)/drover-nursery $(B)/drover-nursery-module $(B)/drover-items \
	  $(DESTDIR)$(LIBEXECDIR)/
	install -m 644 $(ARCHIVES) $(DESTDIR)$(LIBDIR)/
	install -m 644 include/drover/*.h $(DESTDIR)$(INCLUDEDIR)/drover/
	install -m 644 src/cli/drover.1 $(DESTDIR)$(MANDIR)/man1/
	install -m 644 src/conf/drover.yml.5 $(DESTDIR)$(MANDIR)/man5/
	install -m 644 src/supervisor/droverd.8 $(DESTDIR)$(MANDIR)/man8/
	install -m 644 etc/drover.yml $(DESTDIR)$(SYSCONFDIR)/drover/drover.yml.example
clean:
	rm -rf build build-san build-crash build-fuzz
format:
	clang-format -i $$(git ls-files '*.c' '*.h')
help:
	@echo "make | check | lint | bench | torture | demo | install | clean; SANITIZE=1 for sanitizers, CRASH=1 for crash points"
