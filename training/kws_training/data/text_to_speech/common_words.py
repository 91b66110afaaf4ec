"""Common English words."""

COMMON_WORDS = tuple(
    """
    about above actor after again air almost along also always amber angel anger animal answer apple april arm army
    around arrow artist august autumn away baby back bag ball banana bank basket battle beach beauty because become
    before begin behind bell below better between beyond bicycle big birthday black blanket blue board boat body book
    bottle bottom bowl box boy branch bread break breakfast breath bridge bright brother brown brush bucket building
    burn bus business busy butter button camera candle captain car card carry castle center chair chance change cheese
    chicken child choice church circle city class clean clear clever clock cloud coat coffee cold color common computer
    cook copper corner cotton country cousin cover cow cream cup dance danger dark daughter day december deep desert
    dinner doctor dollar donkey door dragon dream dress drink drive dry duck dust ear early earth easy egg elephant
    empty engine enough evening every example eye face fair family farm fast father february feather field
    finger finish fire fish flag floor flower fly food foot forest forget fork fresh friday friend frog fruit full
    funny future game garden gate general ghost giant girl give glass gold good grandmother grass gray great green
    ground group guitar hair half hammer hand hard hat head health heart heavy hello help history hold holiday home
    honey hope horse hospital hotel hour hundred hungry husband ice idea important inside iron island jacket january
    job joke journey juice jump june jungle key kind king kitchen kitten knife ladder lady lake lamp language large
    later laugh lawyer leaf leather lemon letter library lion listen little long machine magic market matter meadow
    measure medicine memory message middle milk minute mirror monday money monkey month moon morning mother mountain
    mouse mouth movie music narrow nature needle neighbor never new night noise north nothing november number ocean
    october office often oil old open orange other outside over page paint paper parent party people pepper person
    picture pillow pilot pink place plant plate please pocket pony potato present president pretty problem purple
    question quick quiet rabbit rain reason record red remember repeat rice ring river road rocket room round sand
    saturday school science season second secret september shadow sheep ship shirt shoe short shoulder silver simple
    sister sky sleep slow small smile snow soap soft soldier song soup south space spoon spring square star station
    story street strong student sugar summer sunday surprise sweet swim table tail teacher thank thirty thunder
    thursday tiger tired today together tomorrow tonight tower town train travel treasure trouble tuesday turtle uncle
    under until valley very village violin visit voice wagon wait walk wall warm watch water wednesday weekend welcome
    west wheel white window winter winner wish woman wonder wood word work world yellow yesterday young zebra
    """.split()
)
"""Common English words, spoken as they are spelled."""
