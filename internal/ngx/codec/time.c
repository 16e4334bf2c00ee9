#define _GNU_SOURCE
#include "codec.h"

#include <time.h>

size_t weir_time_text(int kind, int64_t seconds, char *dst)
{
	static const char *const formats[] = {
		[WEIR_TIME_DATE] = "%Y-%m-%d",
		[WEIR_TIME_FULL] = "%Y-%m-%d %H:%M:%S",
		[WEIR_TIME_HTTP] = "%a, %d %b %Y %H:%M:%S GMT",
		[WEIR_TIME_COOKIE] = "%a, %d-%b-%y %H:%M:%S GMT",
	};
	time_t t = seconds;
	struct tm tm;
	if (gmtime_r(&t, &tm) == NULL)
		return 0;
	const char *format = formats[kind];
	if (kind == WEIR_TIME_COOKIE && tm.tm_year + 1900 > 2037) // two digits are read as 1970 to 2037
		format = "%a, %d-%b-%Y %H:%M:%S GMT";
	return strftime(dst, 32, format, &tm);
}
