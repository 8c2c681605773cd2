include("$(MPY_DIR)/extmod/asyncio")
module("evse.py", base_path="../common")
package("codec", base_path="../..")
package("drivers", base_path="../..")
package("firmware", base_path="../..")
package("board", base_path="../unix")
package("twin", base_path="../../host_tools")
package("mcu", base_path="../common")  # what boards share
