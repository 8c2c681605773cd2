# Everything that runs on a target is frozen: what CI tests is what the image holds.
include("$(MPY_DIR)/extmod/asyncio")
module("evse.py", base_path="../common")
package("codec", base_path="../..")
package("drivers", base_path="../..")
package("firmware", base_path="../..")
package("board", base_path=".")
package("twin", base_path="../../host_tools")  # the chip and pilot models are the hardware of this board
package("mcu", base_path="../common")  # what boards share
