import Simulation

SimulateTool.main()
